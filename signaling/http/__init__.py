"""The HTTP side: small handlers, each turning a request into a call and the result into JSON."""
