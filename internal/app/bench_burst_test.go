package app_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"autoscalebot/internal/sandbox/slacksim"
)

// BenchmarkBurst measures the memory of the bot alone, as a process of its own built
// like the image's, while 500 commands come within 2 seconds from 20 channels, under
// Slack's limits: one message a second in a channel, so that the last PATCH leaves
// half a minute later. A round of it takes as long.
func BenchmarkBurst(b *testing.B) {
	const (
		commands = 500
		channels = 20
		within   = 2 * time.Second
	)
	if testing.Short() {
		b.Skip("-short")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("memory is read from /proc")
	}
	binary := filepath.Join(b.TempDir(), "bot")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "autoscalebot/cmd/bot").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	for b.Loop() {
		l := newLab(b, func(o *slacksim.Options) { o.StrictLimits = true })
		bot := exec.CommandContext(b.Context(), binary)
		for name, value := range l.env(b) {
			bot.Env = append(bot.Env, name+"="+value)
		}
		if err := bot.Start(); err != nil {
			b.Fatal(err)
		}
		l.wait(b, "a socket", func(s *slacksim.Snapshot) bool { return len(s.Sockets) > 0 })
		l.command(b)
		b.ReportMetric(memory(b, bot.Process.Pid, "VmRSS"), "idle-MB")

		acks, patches := make([]time.Duration, commands), make([]time.Duration, commands)
		var typing sync.WaitGroup
		pause := time.NewTicker(within / commands)
		for i := range commands {
			n, arrived := l.expect()
			channel := l.channel(fmt.Sprintf("CBURST%02d", i%channels))
			typing.Go(func() { acks[i], patches[i] = l.slash(b, n, arrived, channel, 3*time.Minute) })
			<-pause.C
		}
		pause.Stop()
		b.ReportMetric(memory(b, bot.Process.Pid, "VmHWM"), "typed-peak-MB")
		typing.Wait()
		b.ReportMetric(memory(b, bot.Process.Pid, "VmHWM"), "peak-MB")
		b.ReportMetric(memory(b, bot.Process.Pid, "VmRSS"), "patched-MB")
		report(b, "ack", acks)
		report(b, "patch", patches)
		_ = bot.Process.Kill() // nothing that it still owes is measured
		_ = bot.Wait()
	}
}

// memory reads a line of /proc/PID/status, in MB (10⁶ bytes).
func memory(b *testing.B, pid int, line string) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), line+":")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.Atoi(kib)
	if err != nil {
		b.Fatalf("%s of the bot: %v", line, err)
	}
	return float64(n) * 1024 / 1e6
}
