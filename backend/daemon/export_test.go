package daemon

import "net/http"

// Within gives the transport that a command has to a handler of its own
// process.
func Within(h http.Handler) http.RoundTripper { return &within{h} }
