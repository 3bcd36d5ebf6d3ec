package change

import (
	"sync"
	"time"
)

// answers keeps, in memory only, the short ways to the people who asked: Slack's
// response_url lasts half an hour and must not be stored.
type answers struct {
	mu sync.Mutex
	by map[ID]Answerer
}

func (a *answers) keep(id ID, to Answerer) {
	if to == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by = make(map[ID]Answerer)
	}
	a.by[id] = to
	time.AfterFunc(30*time.Minute, func() { a.take(id) })
}

// take returns the way and forgets it; nil where there is none.
func (a *answers) take(id ID) Answerer {
	a.mu.Lock()
	defer a.mu.Unlock()
	to := a.by[id]
	delete(a.by, id)
	return to
}
