"""Checks bank account numbers (IBAN, ISO 13616)."""
