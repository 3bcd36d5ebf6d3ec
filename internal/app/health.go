package app

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/observe"
	"autoscalebot/internal/store"
)

// alive is all that liveness asks: a process that answers. What is wrong outside of
// it no restart would cure.
func alive() error { return nil }

// health tells whether a command could be served now, and why not. A policy file that
// does not load is not among the reasons, since the last accepted version is in force
// everywhere; nor is a Baseten that does not answer, since the bot can say so.
type health struct {
	mu sync.Mutex
	// waits is what the start, or the end, is about; "" while the bot serves.
	waits string
	// database and sockets tell what is wrong with them.
	database, sockets func() error
	// renewal is how the database answered last, probe how its file looked.
	renewal, probe error
	key            error
}

// waitsFor says what the bot is doing before, or after, it serves.
func (h *health) waitsFor(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waits = what
}

// serves says that the bot serves as long as neither has a complaint.
func (h *health) serves(database, sockets func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waits, h.database, h.sockets = "", database, sockets
}

// renewed is told how the database answered, and probed how its file looks. Both return
// whether it works.
func (h *health) renewed(err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.renewal = err
	return err == nil && h.probe == nil
}

func (h *health) probed(err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.probe = err
	return err == nil && h.renewal == nil
}

// keyIs is told whether Baseten accepts the key: nil, or why not.
func (h *health) keyIs(refused error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.key = refused
}

// check names everything that is not ready, in words without secrets or addresses.
func (h *health) check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waits != "" {
		return errors.New(h.waits)
	}
	var wrong []string
	switch err := h.database(); {
	case err != nil:
		wrong = append(wrong, store.Trouble(h.renewal))
	case h.probe != nil:
		wrong = append(wrong, store.Trouble(h.probe))
	}
	if err := h.sockets(); err != nil {
		wrong = append(wrong, err.Error())
	}
	if h.key != nil {
		wrong = append(wrong, h.key.Error())
	}
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, "; "))
}

// probeEvery is how soon a database file is found to be damaged, or gone.
const probeEvery = 5 * time.Second

// watchFile looks at the database's file until ctx ends. Each change is said once.
func watchFile(ctx context.Context, p *process) {
	damaged := false
	every(ctx, probeEvery, func() {
		err := p.db.Probe(ctx)
		if ctx.Err() != nil {
			return
		}
		p.metrics.StoreUp(p.ready.probed(err))
		switch {
		case err != nil && !damaged:
			p.log.Error("the database's file cannot be read", zap.Error(err))
		case err == nil && damaged:
			p.log.Info("the database's file can be read again")
		}
		damaged = err != nil
	})
}

// errKey is what /readyz says of a key that Baseten refuses.
var errKey = errors.New("Baseten does not accept the API key") //nolint:staticcheck // a name

const (
	keyEvery = time.Minute
	keySoon  = time.Second
)

// keyWatch asks Baseten whether it accepts the key: at the start, then again while it
// does not or does not answer, and whenever a call was refused for the key.
type keyWatch struct {
	read    func(ctx context.Context) error
	health  *health
	metrics *observe.Metrics
	log     *zap.Logger
	// doubted gets a value when a call was refused.
	doubted chan struct{}
}

func newKeyWatch(health *health, metrics *observe.Metrics, log *zap.Logger) *keyWatch {
	return &keyWatch{health: health, metrics: metrics, log: log, doubted: make(chan struct{}, 1)}
}

// called is told how each call ended.
func (k *keyWatch) called(op, result string, took time.Duration) {
	k.metrics.BasetenCalled(op, result, took)
	if result == baseten.KindAuth.String() {
		select {
		case k.doubted <- struct{}{}:
		default:
		}
	}
}

// run asks until ctx ends. Each change is said in the log once.
func (k *keyWatch) run(ctx context.Context) {
	const good = "Baseten accepts the API key"
	said, wait := "", keySoon
	for {
		err := k.read(ctx)
		if ctx.Err() != nil {
			return
		}
		refused := isKey(err)
		k.metrics.KeyRefused(refused)
		words := good
		switch {
		case refused:
			words = basetenTrouble(err)
			k.health.keyIs(errKey)
		case err != nil:
			words = basetenTrouble(err)
		default:
			k.health.keyIs(nil)
		}
		switch {
		case words == said:
		case err != nil:
			k.log.Error("BASETEN_API_KEY: "+words, zap.Duration("again in", wait), zap.Error(err))
		default:
			k.log.Info(good)
		}
		said = words
		if !k.rest(ctx, err == nil, wait) {
			return
		}
		wait = min(2*wait, keyEvery)
		if err == nil {
			wait = keySoon
		}
	}
}

// rest waits until the key is to be asked for again, and reports whether it is: after
// some time, or, where it is good, when a call was refused.
func (k *keyWatch) rest(ctx context.Context, good bool, wait time.Duration) bool {
	if good {
		// What refused a call may be one environment: not asked for more than once a minute.
		select {
		case <-time.After(keyEvery):
		case <-ctx.Done():
			return false
		}
		select {
		case <-k.doubted:
		case <-ctx.Done():
			return false
		}
		return true
	}
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}

// isKey reports whether Baseten refused the key, or it cannot be sent.
func isKey(err error) bool {
	var e *baseten.Error
	return errors.As(err, &e) && e.Kind == baseten.KindAuth
}
