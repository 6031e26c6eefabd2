package authorization_test

import (
	"encoding/json"
	"net/http"
	"testing"
)

// TestADeviceHandedOnTakesNothingAlong gives a device to another family, as one that is
// sold. Whatever the two families ask for, on every edge, neither is shown anything of
// the other.
func TestADeviceHandedOnTakesNothingAlong(t *testing.T) {
	t.Parallel()
	p := start(t)
	seller, buyer := p.newFamily(t, nil), p.newFamily(t, []string{"free"})
	p.Data(t, seller.tokens[owner], seller.fill(`mutation { unregisterDevice(input: {childUserId: "${child}", uniqueId: "${unique}"}) { device { id } } }`), nil, &struct{}{})
	buyer.values["sold-device"], buyer.values["sold-serial"], buyer.values["sold-mac"] = seller.values["device"], seller.values["serial"], seller.values["mac"]
	p.Data(t, buyer.tokens[owner], buyer.fill(`mutation {
		registerDevice(input: {childUserId: "${child}", serialCode: "${sold-serial}", macId: "${sold-mac}", uniqueId: "sold-${n}"}) { device { id } }
		updateDeviceAlias(input: {deviceId: "${sold-device}", childUserId: "${child}", deviceAlias: "Alias ${n}"}) { device { id } }
		uploadDevlogs(input: {logs: [{childUserId: "${child}", deviceId: "${sold-device}", uniqueId: "sold-${n}",
			treatmentDate: "2025-05-05T15:48:49", finishFlag: BUTTON_SHUTDOWN, lastIntensity: 2, treatmentTime: 60, logFileId: 900}]}) { devlogs { id } }
	}`), nil, &struct{}{})
	s := schema()
	for _, pair := range [][2]*family{{seller, buyer}, {buyer, seller}} {
		asks, other := pair[0], pair[1]
		// The device itself is both families': its number and address stand in the old logs.
		private := other.private()
		delete(private, seller.values["serial"])
		delete(private, seller.values["mac"])
		private[buyer.fill("sold-${n}")] = asks == seller
		for _, e := range edges(s) {
			for _, document := range (writer{s, asks, row{name: "edge " + e.name()}, t}).through(e) {
				body, err := json.Marshal(map[string]string{"query": document})
				if err != nil {
					t.Fatal(err)
				}
				checkPrivate(t, e.name(), p.Call(t, http.MethodPost, "/graphql", asks.tokens[owner], string(body)).Body, private)
			}
		}
		for _, path := range []string{"/api/v1/lux/device/get-all-device", "/api/v1/addnox/device/get-all-device", "/api/v1/lux/user/me"} {
			checkPrivate(t, path, p.Call(t, http.MethodGet, path, asks.tokens[owner], "").Body, private)
		}
	}
}
