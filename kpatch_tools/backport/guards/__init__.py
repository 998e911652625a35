"""Re-checks what was carried: each guard is one module with one rule."""
