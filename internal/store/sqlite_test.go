package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/change"
)

func TestSQLiteFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, "sqlite:"+filepath.Join(dir, "bot.db"))
	create(t, s, pending("AAAAA", "d1", 0))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
		found = append(found, e.Name())
	}
	diff(t, []string{"bot.db", "bot.db-shm", "bot.db-wal", "bot.db.lock"}, found)
}

func TestSQLiteOneProcess(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "bot.db")
	first := openStore(t, url)

	_, err := Open(t.Context(), Config{URL: url, LockWait: 10 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "is in use by another autoscalebot process; use PostgreSQL for several") {
		t.Fatalf("error = %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Open(gone, Config{URL: url})
	wantErr(t, err, context.Canceled)

	// The next process waits for the first to go.
	opened := make(chan error)
	go func() {
		second, err := Open(t.Context(), Config{URL: url})
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
}

// A reader that is slow does not keep anybody from writing, nor the other way.
func TestSQLiteReadsBesideWrites(t *testing.T) {
	s := openStore(t, "sqlite:"+filepath.Join(t.TempDir(), "bot.db"))
	create(t, s, pending("AAAAA", "d1", 0))
	mustChange(t, s, "AAAAA", func(*change.Request) (change.Effects, error) {
		if got := get(t, s, "AAAAA"); got.Version != 1 {
			t.Errorf("read version %d of a change that is not committed", got.Version)
		}
		return change.Effects{}, nil
	})
	if err := s.Audit(t.Context(), AuditFilter{}, func(change.Event) error {
		create(t, s, pending("BBBBB", "d1", 0))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestSQLitePaths(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{
		filepath.Join(dir, "a b%20#c&d=e.db"),
		"//" + filepath.Join(dir, "absolute.db"),
	} {
		s := openStore(t, "sqlite:"+path)
		create(t, s, pending("AAAAA", "d1", 0))
		if _, err := os.Stat(strings.TrimPrefix(path, "//")); err != nil {
			t.Errorf("the file is elsewhere: %v", err)
		}
	}
	t.Chdir(dir)
	openStore(t, "sqlite:relative.db")
	if _, err := os.Stat("relative.db"); err != nil {
		t.Error(err)
	}

	_, err := OpenBeside(t.Context(), Config{URL: "sqlite:" + filepath.Join(dir, "none.db")})
	wantErr(t, err, fs.ErrNotExist)
	_, err = Open(t.Context(), Config{URL: "sqlite:" + filepath.Join(dir, "none", "bot.db")})
	if err == nil || !strings.Contains(err.Error(), "there is no folder "+filepath.Join(dir, "none")) {
		t.Errorf("error = %v", err)
	}
	if err := os.WriteFile("text.db", []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{URL: "sqlite:text.db"}); err == nil {
		t.Error("a text file was opened as a database")
	}
}

func TestSQLiteMemoriesAreApart(t *testing.T) {
	a, b := openStore(t, "sqlite::memory:"), openStore(t, "sqlite::memory:")
	create(t, a, pending("AAAAA", "d1", 0))
	_, err := b.Get(t.Context(), "AAAAA")
	wantErr(t, err, change.ErrNotFound)
}

func TestURL(t *testing.T) {
	const password = "s3cr3t%zz"
	for _, url := range []string{
		"", "mysql://u:" + password + "@h/d", "u:" + password + "@h", "sqlite:", "sqlite://bot.db",
		"sqlite:bot.db?mode=memory",
		"postgres://u:" + password + "@127.0.0.1:1/d",
		"postgres://u:s3cr3t@127.0.0.1:1/d?connect_timeout=2",
		"postgres://u@127.0.0.1:1/d?password=s3cr3t&connect_timeout=2",
		"postgres://u:s3cr3t@127.0.0.1:port/d",
		"postgres://u:s3cr3t@127.0.0.1:1/d?sslmode=maybe",
		"postgres://u:s3cr3t@127.0.0.1:1/d?pool_max_conns=many",
	} {
		s, err := Open(t.Context(), Config{URL: url})
		if err == nil {
			t.Fatal(errors.Join(errors.New("opened "+url), s.Close()))
		}
		if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: the error holds the password: %v", url, err)
		}
	}
}
