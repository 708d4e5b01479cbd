"""The market room: orders, prices, clearing, choice, tariffs, settlement; it knows no other."""
