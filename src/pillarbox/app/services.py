"""The network services of a worker: for each listener, its protocol, its handlers, its limits and its TLS."""


