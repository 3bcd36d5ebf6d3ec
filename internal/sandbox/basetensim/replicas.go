package basetensim

import "slices"

// Status words that steer the simulation. SetStatus takes any other word too,
// known to the spec or not, and shows it.
const (
	StatusActive       = "ACTIVE"
	StatusBuilding     = "BUILDING"
	StatusDeploying    = "DEPLOYING"
	StatusUpdating     = "UPDATING"
	StatusInactive     = "INACTIVE"
	StatusScaledToZero = "SCALED_TO_ZERO"
	StatusWakingUp     = "WAKING_UP"
)

// status is the word that the API shows.
func (d *deployment) status() string {
	switch {
	case d.told != "":
		return d.told
	case d.replicas > 0:
		return StatusActive
	case d.desired() > 0:
		return StatusWakingUp
	default:
		return StatusScaledToZero
	}
}

// tell pins the status word. ACTIVE and the empty word hand the status back to
// the simulation.
func (d *deployment) tell(word string) {
	if word == StatusActive {
		word = ""
	}
	d.told = word
}

// undeployed reports whether the deployment has never finished deploying.
func (d *deployment) undeployed() bool {
	return slices.Contains([]string{StatusBuilding, StatusDeploying, "LOADING_MODEL", "DEPLOY_FAILED", "BUILD_FAILED", "BUILD_STOPPED"}, d.told)
}

// busy reports whether changes must queue. What Baseten means by QUEUED is not
// published; this is the reading that its word suggests.
func (d *deployment) busy() bool {
	return slices.Contains([]string{StatusBuilding, StatusDeploying, "LOADING_MODEL", StatusUpdating}, d.told)
}

// down reports whether the status allows no replica at all.
func (d *deployment) down() bool {
	return d.undeployed() ||
		slices.Contains([]string{StatusInactive, "DEACTIVATING", "FAILED", StatusScaledToZero, StatusWakingUp}, d.told)
}

// desired is the number of replicas that the load asks for:
// ceil(in flight / (concurrency target × utilization)), within min and max
// (docs.baseten.co/deployment/autoscaling/overview). Window, delay and
// scale-down rate are not simulated: replicas move one by one.
func (d *deployment) desired() int {
	if d.down() || d.settings == nil {
		return 0
	}
	st := *d.settings
	utilization := 100
	if st.TargetUtilizationPercentage != nil {
		utilization = *st.TargetUtilizationPercentage
	}
	perReplica := st.ConcurrencyTarget * utilization // in hundredths of a request
	want := (d.inFlight*100 + perReplica - 1) / perReplica
	return min(max(want, st.MinReplica), st.MaxReplica)
}

// tend moves the replicas towards the desired number, one each ReplicaStep.
// Callers hold the lock.
func (s *Server) tend(d *deployment) {
	if d.stepping || d.replicas == d.desired() {
		return
	}
	if s.opts.ReplicaStep <= 0 || d.down() {
		d.replicas = d.desired()
		return
	}
	d.stepping = true
	s.later(s.opts.ReplicaStep, func() {
		d.stepping = false
		switch want := d.desired(); {
		case d.replicas < want:
			d.replicas++
		case d.replicas > want:
			d.replicas--
		}
		s.tend(d)
	})
}
