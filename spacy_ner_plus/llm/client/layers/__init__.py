"""What a request passes through on its way to the server, one layer a file, each with one method `ask`.

From the outside: `validated`, `coalesced`, `stored`, `probed`, `retried`, `limited`, and then the endpoint itself.
Validated stands outside of the store, since a second question is a request of its own, which is stored and
replayed like the first; and coalesced outside of the store, so that a reply that several wait for is kept once.
"""
