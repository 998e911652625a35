"""Xen's page-table rules, one small cited function each."""
