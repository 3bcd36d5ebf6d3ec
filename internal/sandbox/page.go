package sandbox

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"time"
)

//go:embed page
var pageFiles embed.FS

const (
	// heartbeat keeps a quiet event stream open through whatever is in between.
	heartbeat = 15 * time.Second
	// coalesce is the least time between two notices: one command is a dozen
	// changes, and the page reads the whole state after each notice.
	coalesce = 60 * time.Millisecond
)

// page serves one world to browsers.
type page struct {
	world *World
	bot   *runner
	// ctx outlives requests: a bot started from the page runs until it ends.
	ctx context.Context
	// changed tells of changes of the bot's own state.
	changed *notices
}

// Handler is the page of a world whose bot, if any, is run by somebody else:
// GET /, /static/…, /state?as=USER and /events, and POST /do.
func Handler(w *World) http.Handler {
	p := &page{world: w, bot: newRunner(nil, Surroundings{}, nil), ctx: context.Background(), changed: newNotices()}
	return p.handler()
}

func (p *page) handler() http.Handler {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic("sandbox: embedded page: " + err.Error()) // The folder's name is fixed at build time.
	}
	static := http.FileServerFS(files)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "index.html")
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "favicon.svg")
	})
	mux.Handle("GET /static/", http.StripPrefix("/static/", static))
	mux.HandleFunc("GET /state", p.serveState)
	mux.HandleFunc("GET /events", p.serveEvents)
	mux.HandleFunc("POST /do", p.serveDo)
	return guard(mux)
}

// serveState answers with the whole state, as the person named by ?as= sees it.
func (p *page) serveState(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	// The client has gone if this fails; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(p.world.stateFor(r.FormValue("as"), p.bot.state()))
}

// serveEvents says "changed" when something did: once for changes that come
// together, and once at the start.
func (p *page) serveEvents(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	changes := p.world.changes(ctx)
	bot, cancel := p.changed.subscribe()
	defer cancel()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		line := ": still here\n\n"
		select {
		case <-changes:
			line = "event: changed\ndata: \n\n"
		case <-bot:
			line = "event: changed\ndata: \n\n"
		case <-beat.C:
		case <-ctx.Done():
			return
		case <-p.ctx.Done():
			return
		}
		if _, err := fmt.Fprint(w, line); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-time.After(coalesce):
		case <-ctx.Done():
			return
		}
	}
}
