package basetensim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"syscall"
)

// Transport reaches the server without a network, for tests inside a
// testing/synctest bubble, where a socket would stop the clock. It takes any
// host. A cut connection is an error that wraps syscall.ECONNRESET.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ s *Server }

func (t transport) RoundTrip(out *http.Request) (*http.Response, error) {
	body := []byte{}
	if out.Body != nil {
		var err error
		if body, err = io.ReadAll(out.Body); err != nil {
			return nil, err
		}
		out.Body.Close()
	}
	in := out.Clone(out.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.RequestURI = out.URL.RequestURI()

	done := make(chan *recorder, 1)
	go func() {
		w := &recorder{header: make(http.Header)}
		defer func() {
			if cut := recover(); cut != nil {
				if err, isErr := cut.(error); !isErr || !errors.Is(err, http.ErrAbortHandler) {
					panic(cut)
				}
				w = nil
			}
			done <- w
		}()
		t.s.ServeHTTP(w, in)
	}()
	select {
	case w := <-done:
		if w == nil {
			return nil, fmt.Errorf("read answer: %w", syscall.ECONNRESET)
		}
		return w.response(out), nil
	case <-out.Context().Done():
		return nil, out.Context().Err() // the handler goes on, as it would beyond a socket
	}
}

// recorder keeps one answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *recorder) response(to *http.Request) *http.Response {
	return &http.Response{
		Status:     strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode: w.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        w.header,
		Body:          io.NopCloser(&w.body),
		ContentLength: int64(w.body.Len()),
		Request:       to,
	}
}
