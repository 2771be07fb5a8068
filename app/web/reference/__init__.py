"""Addresses that other systems' clients call, answered as they expect: one module for each."""
