"""From the domain builder through setup_arch, driving the tree's own C."""
