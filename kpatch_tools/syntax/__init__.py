"""C as the kernel writes it: the only room that knows tree-sitter."""
