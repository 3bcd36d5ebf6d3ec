package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"autoscalebot/internal/change"
)

// WorkOptions says how jobs are worked. Zero values are the defaults.
type WorkOptions struct {
	// MaxWorkers is how many jobs run at once; default 10.
	MaxWorkers int
	// Poll is how often to look for jobs; default 1 s. PostgreSQL tells of new jobs
	// at once, so that polling only finds what was missed.
	Poll time.Duration
	// JobTimeout ends a job's context; default 30 s.
	JobTimeout time.Duration
	// RescueAfter is when a running job counts as lost with its process and is run
	// again; default 2 min. It must be longer than JobTimeout.
	RescueAfter time.Duration
}

const (
	// maxAttempts keeps a failing job for two hours: it is a promise, and what it
	// waits for comes back. The request's own deadlines end it earlier.
	maxAttempts = 250
	// longestRetry bounds the wait between two attempts.
	longestRetry = 30 * time.Second
	// keepDone is how long jobs stay in the table when they are done with.
	keepDone = time.Hour
	// softStop is what running jobs get to finish when the process stops.
	softStop = 10 * time.Second
)

// Work starts working the jobs of the database, beside other replicas, and returns.
// It goes on until StopWork or Close, also when ctx ends. A job may run twice, and
// some seconds early where clocks differ: it goes by the request, not by the fact
// that it runs.
func (s *Store) Work(ctx context.Context, workers *river.Workers, opts WorkOptions) error {
	maxWorkers := opts.MaxWorkers
	if maxWorkers == 0 {
		maxWorkers = 10
	}
	cfg := &river.Config{
		Workers: workers,
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: maxWorkers},
			change.FollowQueue: {MaxWorkers: 2},
		},
		FetchPollInterval:           opts.Poll, // River's default is 1 s
		JobTimeout:                  or(opts.JobTimeout, 30*time.Second),
		RescueStuckJobsAfter:        or(opts.RescueAfter, 2*time.Minute),
		RetryPolicy:                 retryPolicy{},
		CompletedJobRetentionPeriod: keepDone,
		CancelledJobRetentionPeriod: keepDone,
		SoftStopTimeout:             softStop,
	}
	if err := s.db.work(context.WithoutCancel(ctx), cfg); err != nil {
		return fmt.Errorf("start workers: %w", err)
	}
	return nil
}

// StopWork takes no more jobs and waits for those that run, until ctx ends: then
// their contexts are ended too. What was not finished is taken up again later.
func (s *Store) StopWork(ctx context.Context) error {
	if err := s.db.stop(ctx); err != nil {
		return fmt.Errorf("stop workers: %w", err)
	}
	return nil
}

func or(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// retryPolicy waits 1, 2, 4 … seconds between attempts, at most longestRetry.
type retryPolicy struct{}

// NextRetry implements river.ClientRetryPolicy.
func (retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	wait := longestRetry
	if n := len(job.Errors); n < 5 {
		wait = min(wait, time.Second<<n)
	}
	return time.Now().Add(wait)
}

// jobs is River over one kind of transaction: a client that inserts, from the
// start, and one that works, once asked.
type jobs[TTx any] struct {
	owner   string
	log     *slog.Logger
	connect func(*river.Config) (*river.Client[TTx], error)
	client  *river.Client[TTx]

	mu      sync.Mutex
	working *river.Client[TTx]
}

func newJobs[TTx any](cfg Config, connect func(*river.Config) (*river.Client[TTx], error)) (*jobs[TTx], error) {
	warnings := cfg.Log.WithOptions(zap.IncreaseLevel(zap.WarnLevel)).Core()
	j := &jobs[TTx]{
		owner:   cfg.Owner,
		log:     slog.New(zapslog.NewHandler(warnings, zapslog.WithName("river"))),
		connect: connect,
	}
	var err error
	j.client, err = connect(&river.Config{Logger: j.log, MaxAttempts: maxAttempts})
	if err != nil {
		return nil, fmt.Errorf("prepare jobs: %w", err)
	}
	return j, nil
}

func (j *jobs[TTx]) insert(ctx context.Context, tx TTx, jobs []river.InsertManyParams) error {
	_, err := j.client.InsertManyTx(ctx, tx, jobs)
	return err
}

func (j *jobs[TTx]) work(ctx context.Context, cfg *river.Config) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.working != nil {
		return errors.New("already working")
	}
	cfg.ID, cfg.Logger, cfg.MaxAttempts = j.owner, j.log, maxAttempts
	client, err := j.connect(cfg)
	if err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return err
	}
	j.working = client
	return nil
}

func (j *jobs[TTx]) stop(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.working == nil {
		return nil
	}
	client := j.working
	j.working = nil
	err := client.Stop(ctx)
	if err == nil {
		return nil
	}
	// The time is up: end the jobs' contexts, and give them a moment to notice.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if client.StopAndCancel(last) == nil {
		return nil
	}
	return err
}
