def accepted(order):
    return 0 < order["cents"] <= 1_000_000
