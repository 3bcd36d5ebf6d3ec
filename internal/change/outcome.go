package change

import "time"

// Outcome is what became of an applied change: whether the settings are in force,
// and what the replicas did. It is found by reading, after the answer; it is not a
// state, because the request's life ended with applied.
type Outcome struct {
	Kind OutcomeKind `json:"kind,omitempty"`
	// Replicas is the last count of active replicas that was read.
	Replicas int `json:"replicas,omitempty"`
	// At is when Kind was found.
	At time.Time `json:"at,omitzero"`
	// InForceAt is when the settings were first read as asked.
	InForceAt time.Time `json:"in_force_at,omitzero"`
	// ReachedAt is when the replicas were first where they had to go.
	ReachedAt time.Time `json:"reached_at,omitzero"`
	// Text says it in one or two sentences. While Final is not set it is progress.
	Text  string `json:"text,omitempty"`
	Final bool   `json:"final,omitempty"`
}

// Ended reports whether the change is no longer followed.
func (o Outcome) Ended() bool { return o.Final || o.Kind == "" }

// OutcomeKind names an outcome.
type OutcomeKind string

// Outcomes of an applied change. The empty kind is a change that was not applied.
const (
	// Following: the settings are being read back.
	Following OutcomeKind = "following"
	// InForce: the settings were read as asked.
	InForce OutcomeKind = "in_force"
	// Reached: in force, and the active replicas reached the new floor or ceiling.
	Reached OutcomeKind = "reached"
	// Invisible: Baseten took it, but the settings did not show within the time
	// allowed.
	Invisible OutcomeKind = "invisible"
	// Overruled: the settings were in force and then changed by somebody else.
	Overruled OutcomeKind = "overruled"
	// Unfollowed: Baseten could not be read until the time was up.
	Unfollowed OutcomeKind = "unfollowed"
)
