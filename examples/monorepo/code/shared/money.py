def total(lines):
    """Sum of a list of order lines, in cents."""
    return sum(line["cents"] * line["count"] for line in lines)
