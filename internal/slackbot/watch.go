package slackbot

import "time"

// Watch is told what is worth counting. Functions that are nil are not called.
type Watch struct {
	SocketOpened, SocketClosed func()
	// Dropped tells of an envelope that was not taken: the queue was full, or the
	// socket was being closed. Slack tells the person that it failed.
	Dropped func()
	// Acked tells how long after receipt an acknowledgement was written; Unacked that
	// none could be: the socket was gone, or it was too late to try.
	Acked   func(time.Duration)
	Unacked func()
	// Unrecorded tells of a command that could not be recorded, and so was not
	// acknowledged.
	Unrecorded func()
	// Command tells of a command and what came of it.
	Command func(command, outcome string)
	// Called tells of one call: ok, Slack's own word for what went wrong, or what was
	// missing of an answer (ratelimited, http_500, timeout, no_answer).
	Called func(method, result string, took time.Duration)
	// Retried tells of a message that has to be sent again.
	Retried func(method string)
}

func (w Watch) called(method string, err error, began time.Time) {
	if w.Called != nil {
		w.Called(method, word(err), time.Since(began))
	}
}

func (w Watch) retried(method string) {
	if w.Retried != nil {
		w.Retried(method)
	}
}

func (w Watch) command(command, outcome string) {
	if w.Command != nil {
		w.Command(command, outcome)
	}
}

func call(f func()) {
	if f != nil {
		f()
	}
}
