package sandbox

import "sync"

// notices tells any number of listeners that something changed.
type notices struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
}

func newNotices() *notices { return &notices{listeners: map[chan struct{}]struct{}{}} }

// send never blocks: one pending notice is enough for a listener.
func (n *notices) send() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (n *notices) subscribe() (changes <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	n.mu.Lock()
	n.listeners[c] = struct{}{}
	n.mu.Unlock()
	return c, func() {
		n.mu.Lock()
		delete(n.listeners, c)
		n.mu.Unlock()
	}
}
