"""Memory, page tables and CPU of the modelled machine."""
