package tail

import "io"

// Bounded gives the reader that fails after limit bytes: the real limit takes
// a minute to reach.
func Bounded(r io.Reader, limit int64) io.Reader { return &bounded{r: r, left: limit, limit: limit} }
