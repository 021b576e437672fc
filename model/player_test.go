package model

import "testing"

// TestOwners: a variable belongs to the player whose prefix its name begins
// with, and a slot to the player whose optimiser keeps it.
func TestOwners(t *testing.T) {
	players := []Player{
		{Name: "generator", Prefixes: []string{"generator."}},
		{Name: "both", Prefixes: []string{"one.", "two."}, Terms: "generator"},
	}
	for variable, want := range map[string]string{
		"generator.first.weight": "generator", "one.weight": "both", "two.weight": "both", "generators.weight": "", "vgg.weight": "",
	} {
		if got, ok := OwnerOf(players, variable); got.Name != want || ok != (want != "") {
			t.Errorf("%s belongs to %q, want %q", variable, got.Name, want)
		}
	}
	for slot, want := range map[string]bool{"both.step": true, "one.weight.exp_avg": true, "generator.step": false, "bothers.step": false} {
		if got := players[1].Keeps(slot); got != want {
			t.Errorf("the optimiser of both keeps %s: %t, want %t", slot, got, want)
		}
	}
	if players[0].Minimises() != "generator" || players[1].Minimises() != "generator" {
		t.Errorf("players minimise %q and %q", players[0].Minimises(), players[1].Minimises())
	}
}
