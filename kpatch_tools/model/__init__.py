"""Executes a tree's own C on a modelled machine under Xen's page-table rules."""
