"""An order as it arrives: parsed, checked, and priced in exact decimals."""

import json
import os
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

CURRENCIES = frozenset(os.environ.get("CURRENCIES", "EUR").split(","))


class InvalidOrder(Exception):
    """Says what is wrong, in words for whoever sent the order."""


@dataclass(frozen=True)
class Line:
    sku: str
    quantity: int
    price: Decimal


@dataclass(frozen=True)
class Order:
    order_id: str
    currency: str
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        return sum((line.quantity * line.price for line in self.lines), Decimal())


def parse_order(text: str | bytes) -> Order:
    try:
        data = json.loads(text)
    except ValueError as error:  # not JSON, or bytes that are not text
        raise InvalidOrder(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise InvalidOrder("an order is a JSON object")
    order_id, currency, lines = (
        data.get(key) for key in ("order_id", "currency", "lines")
    )
    if not isinstance(order_id, str) or not order_id:
        raise InvalidOrder("order_id is missing")
    if not isinstance(currency, str) or currency not in CURRENCIES:
        allowed = ", ".join(sorted(CURRENCIES))
        raise InvalidOrder(f"currency is {currency!r}, allowed: {allowed}")
    if not isinstance(lines, list) or not lines:
        raise InvalidOrder("lines is missing")
    parsed = tuple(parse_line(line, number) for number, line in enumerate(lines, 1))
    return Order(order_id, currency, parsed)


def parse_line(line: object, number: int) -> Line:
    if not isinstance(line, dict):
        raise InvalidOrder(f"line {number}: not a JSON object")
    sku, quantity, price = (line.get(key) for key in ("sku", "quantity", "price"))
    if not isinstance(sku, str) or not sku:
        raise InvalidOrder(f"line {number}: sku is missing")
    if type(quantity) is not int or quantity < 1:  # a bool is an int, too
        raise InvalidOrder(f"line {number}: quantity must be a whole number from 1")
    return Line(sku, quantity, parse_price(price, number))


def parse_price(text: object, number: int) -> Decimal:
    # A JSON number would have been through binary floating point on its way here.
    if not isinstance(text, str):
        raise InvalidOrder(f'line {number}: price must be a string like "12.50"')
    try:
        price = Decimal(text)
    except InvalidOperation as error:
        raise InvalidOrder(f"line {number}: price {text!r} is no number") from error
    if not price.is_finite() or price < 0:
        raise InvalidOrder(f"line {number}: price {text!r} is no price")
    return price
