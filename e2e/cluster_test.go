package e2e

import (
	"fmt"
	"testing"
	"time"

	"aihub/e2e/rig"
)

// The node of the bus that leads the log is lost while answers stream, and comes back: nothing that was shown is lost,
// and new messages are soon taken again, also while one of the three nodes is away.
func TestTheBusClusterLosesItsLeader(t *testing.T) {
	s := newSeed(t)
	w := rig.New(t, rig.Setup{Instances: 3, Cluster: true})
	ctx := w.Context(time.Hour)
	var probes []*rig.Device
	for i, email := range w.DB.AddPeople(t, "alfa", "admin", 3) {
		api := &rig.API{Base: func() string { return w.Base(i) }, Tenant: "alfa", Email: email}
		probes = append(probes, w.DeviceAt(fmt.Sprintf("probe %d", i), api, i))
	}
	crowd := rig.NewCrowd(w, s, rig.Talk{People: 6, Tokens: [2]int{50, 200}, Every: [2]time.Duration{5 * time.Millisecond, 20 * time.Millisecond}})
	var worst time.Duration
	for round := range full(2, 30) {
		time.Sleep(2 * time.Second) // of ordinary talk before the fault; nothing is awaited
		leader := w.Cluster.Leader(t)
		w.Cluster.Stop(leader)
		lost := time.Now()
		for i, d := range probes { // at each instance
			sent := ask(t, ctx, d, "", fmt.Sprintf("Olá [[label=probe-%d-%d tokens=3]]", round, i))
			worst = max(worst, time.Since(lost))
			end(t, ctx, d, sent.Conv, sent.Run)
		}
		time.Sleep(time.Second) // of talk with two nodes
		w.Cluster.Start(t, leader)
	}
	if worst > 10*time.Second {
		t.Errorf("a new message was taken %v after the leader was lost", worst)
	}
	crowd.Quiet()
	w.Check(append(crowd.Devices, probes...)...)
	t.Logf("new messages were taken at every instance within %v", worst.Round(time.Millisecond))
}
