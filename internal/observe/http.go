package observe

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler serves GET /healthz (is this process worth keeping), GET /readyz (does
// it take work) and GET /metrics.
//
// The first two answer 200 and "ok", or 503 and the text of the error that live or
// ready returned: one plain sentence for an operator, without secrets, because
// the page asks nobody who they are. Both are called for each request, from many
// goroutines, and must be quick. Time-outs are for the server, not for Handler.
func Handler(m *Metrics, live, ready func() error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", verdict(live))
	mux.Handle("GET /readyz", verdict(ready))
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}

func verdict(check func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		code, text := http.StatusOK, "ok"
		if err := check(); err != nil {
			code, text = http.StatusServiceUnavailable, err.Error()
		}
		w.WriteHeader(code)
		// A prober that hung up does not want to hear about it.
		_, _ = w.Write([]byte(text + "\n"))
	})
}
