"""The same kernel on a machine without a hypervisor."""
