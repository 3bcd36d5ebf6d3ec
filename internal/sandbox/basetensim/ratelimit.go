package basetensim

import (
	"net/http"
	"strconv"
	"time"
)

// rateWindow counts one endpoint's requests in one second.
type rateWindow struct {
	start time.Time
	count int
}

// overLimit counts a request, and tells how long to wait if it is one too many.
// Callers hold the lock.
func (s *Server) overLimit(op Op) (wait time.Duration, over bool) {
	if s.opts.RateLimit <= 0 {
		return 0, false
	}
	now, w := s.opts.Now(), s.windows[op]
	if now.Sub(w.start) >= time.Second {
		w = rateWindow{start: now}
	}
	w.count++
	s.windows[op] = w
	return w.start.Add(time.Second).Sub(now), w.count > s.opts.RateLimit
}

// rateLimited is the 429 of docs.baseten.co/reference/management-api/rate-limits,
// or a variant of it.
func rateLimited(wait time.Duration, where RetryIn) answer {
	seconds := int((wait + time.Second - 1) / time.Second)
	body := map[string]any{"error": "Rate limit exceeded. Please try again later."}
	if where == RetryInBody || where == RetryInBoth {
		body["retry_after"] = seconds
	}
	ans := answer{status: http.StatusTooManyRequests, body: body}
	if where == RetryInHeader || where == RetryInBoth {
		ans.header = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	}
	return ans
}
