package app_test

import (
	"flag"
	"testing"
)

// TestMain lets more stories run beside each other than there are processors: they mostly
// wait for what a bot, Slack and Baseten do in real time.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
	}
	m.Run()
}
