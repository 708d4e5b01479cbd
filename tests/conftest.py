"""What all tests need: that Ctrl-C reaches the programs they start.

A shell that starts work in the background lets it ignore Ctrl-C, and whatever that work starts
inherits this; a handler of our own is not inherited.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
