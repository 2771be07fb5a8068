"""Language models that read invoices too, where an operator has named some. No other is called."""
