package parity_test

import (
	"net/http"
	"testing"
)

// childActions are those of children, devices and logs. The child of a family has the
// id 1, and so has its device; the device 2 is free.
func childActions() []action {
	const (
		create = `{"first_name": "test", "last_name": "", "birthdate": "19970101", "gender": "F", "serial_code": "SL20401001",
			"mac_id": "00:80:E1:27:4C:84", "unique_id": "second"}`
		update = `{"id": 1, "first_name": "tester", "last_name": "john", "birthdate": "20010608", "gender": "P"}`
		record = `{"real_user_id": 1, "device_id": 1, "unique_id": "unique", "detail_data":
			{"treatment_date": "2025-02-21T15:48:49", "finish_flag": 2, "last_intensity": 2, "treatment_time": 255555}, "log_file_id": 7}`
		upload     = `{"log_arrays": [` + record + `]}`
		textRecord = `{"real_user_id": 1, "device_id": 1, "unique_id": "unique", "log_file_id": 7, "detail_data":
			{"treatment_date": "2025-02-21T15:48:49", "finish_flag": "2", "last_intensity": 2, "treatment_time": 255555, "movement": [], "log_data": ""}}`
		uploadDevlogs = `uploadDevlogs(input: {logs: [{childUserId: 1, deviceId: 1, uniqueId: "unique", treatmentDate: "2025-02-21T15:48:49",
			finishFlag: BUTTON_SHUTDOWN, lastIntensity: 2, treatmentTime: 255555, logFileId: 7}]}) { devlogs { id } }`
	)
	stranger := steps(family, func(_ *testing.T, w *world) { w.vars["stranger"] = w.vars["other"] })
	free := steps(family, sent(http.MethodPatch, lux+"/device/un-connect?unique_id=unique&real_user_id=1", ""))
	return []action{
		{
			name: "create a child", arrange: family, as: "parent",
			graphql: `createChildUser(input: {firstName: "test", lastName: "", birthdate: "1997-01-01", gender: FEMALE,
				serialCode: "SL20401001", macId: "00:80:E1:27:4C:84", uniqueId: "second"}) { childUser { id } }`,
			rest: []string{"POST " + lux + "/user/create-real-user " + create, "POST " + addnox + "/user/create-real-user " + create},
		},
		{
			name: "create a child with a taken device", arrange: family, as: "parent", code: "ALREADY_CONNECTED_DEVICE",
			graphql: `createChildUser(input: {firstName: "test", lastName: "", birthdate: "1997-01-01", gender: FEMALE,
				serialCode: "SL20401000", macId: "41AD", uniqueId: "second"}) { childUser { id } }`,
			rest: []string{
				"POST " + lux + `/user/create-real-user {"first_name": "test", "last_name": "", "birthdate": "19970101", "gender": "F",
					"serial_code": "SL20401000", "mac_id": "41AD", "unique_id": "second"}`,
			},
		},
		{
			name: "list children and devices", arrange: family, as: "parent", graphql: `childUsers { id }`,
			rest: []string{"GET " + lux + "/device/get-all-device", "GET " + addnox + "/device/get-all-device", "GET " + withnox + "/device/get-all-device"},
		},
		{
			name: "one child", arrange: family, as: "parent", graphql: `childUser(id: 1) { id }`,
			rest: []string{"GET " + lux + "/user/real-user/1", "GET " + addnox + "/user/real-user/1"},
		},
		{
			name: "another's child", arrange: stranger, as: "stranger", graphql: `childUser(id: 1) { id }`, code: "NOT_AUTHORIZED_USER",
			rest: []string{"GET " + lux + "/user/real-user/1", "GET " + addnox + "/user/real-user/1", "GET " + lux + "/device/child-device?real_user_id=1"},
		},
		{
			name: "the device of a child", arrange: family, as: "parent", graphql: `childUser(id: 1) { device { id } }`,
			rest: []string{"GET " + lux + "/device/child-device?real_user_id=1", "GET " + addnox + "/device/child-device?real_user_id=1"},
		},
		{
			name: "update a child", arrange: family, as: "parent",
			graphql: `updateChildUser(input: {childUserId: 1, firstName: "tester", lastName: "john", birthdate: "2001-06-08", gender: PREFER_NOT_TO_SAY}) { childUser { id } }`,
			rest: []string{
				"PATCH " + lux + "/user/real-user/1 " + update, "PATCH " + lux + "/user/update-real-user " + update,
				"PATCH " + addnox + "/user/real-user/1 " + update, "PATCH " + addnox + "/user/update-real-user " + update,
			},
		},
		{
			name: "update nobody", arrange: family, as: "parent", graphql: `updateChildUser(input: {childUserId: 9}) { childUser { id } }`,
			code: "REAL_USER_IS_NOT_FOUND", rest: []string{"PATCH " + lux + `/user/update-real-user {"id": 9}`, "PATCH " + addnox + `/user/real-user/9 {"id": 9}`},
		},
		{
			name: "delete a child", arrange: family, as: "parent", graphql: `deleteChildUser(input: {childUserId: 1, uniqueId: "unique"}) { childUserId }`,
			rest: []string{
				"DELETE " + lux + `/user/delete-real-user {"real_user_id": 1, "unique_id": "unique"}`,
				"DELETE " + addnox + "/user/delete-real-user?real_user_id=1&unique_id=unique",
			},
		},
		{
			name: "delete a child with another device", arrange: family, as: "parent", code: "REAL_USER_DELETE_FAILED",
			graphql: `deleteChildUser(input: {childUserId: 1, uniqueId: "another"}) { childUserId }`,
			rest:    []string{"DELETE " + lux + `/user/delete-real-user {"real_user_id": 1, "unique_id": "another"}`},
		},
		{
			name: "register a device", arrange: free, as: "parent",
			graphql: `registerDevice(input: {childUserId: 1, serialCode: "SL20401001", macId: "4C84", uniqueId: "second"}) { device { id } }`,
			rest: []string{
				"POST " + lux + "/device/set-my-device?serial_code=SL20401001&mac_id=4C84&unique_id=second&real_user_id=1",
				"POST " + addnox + "/device/set-my-device?serial_code=SL20401001&mac_id=00:80:E1:27:4C:84&unique_id=second&real_user_id=1",
			},
		},
		{
			name: "register an unknown device", arrange: free, as: "parent", code: "NOT_FOUND_DEVICE",
			graphql: `registerDevice(input: {childUserId: 1, serialCode: "SL99999999", macId: "4C84", uniqueId: "second"}) { device { id } }`,
			rest: []string{
				"POST " + lux + "/device/set-my-device?serial_code=SL99999999&mac_id=4C84&unique_id=second&real_user_id=1",
				"POST " + withnox + "/device/set-my-device?serial_code=SL99999999&mac_id=4C84&unique_id=second&real_user_id=1",
			},
		},
		{
			name: "unregister a device", arrange: family, as: "parent", graphql: `unregisterDevice(input: {childUserId: 1, uniqueId: "unique"}) { device { id } }`,
			rest: []string{"PATCH " + lux + "/device/un-connect?unique_id=unique&real_user_id=1", "PATCH " + addnox + "/device/un-connect?unique_id=unique&real_user_id=1"},
		},
		{
			name: "unregister twice", arrange: free, as: "parent", graphql: `unregisterDevice(input: {childUserId: 1, uniqueId: "unique"}) { device { id } }`,
			code: "NOT_FOUND_DEVICE",
			rest: []string{"PATCH " + lux + "/device/un-connect?unique_id=unique&real_user_id=1", "PATCH " + withnox + "/device/un-connect?unique_id=unique&real_user_id=1"},
		},
		{
			name: "may I connect this device?", arrange: family, as: "parent", graphql: `checkDevice(uniqueId: "unique") { status }`,
			rest: []string{"GET " + lux + "/device/check-device?unique_id=unique", "GET " + addnox + "/device/check-device?unique_id=unique"},
		},
		{
			name: "may I connect another's device?", arrange: stranger, as: "stranger", graphql: `checkDevice(uniqueId: "unique") { status }`,
			code: "ALREADY_CONNECTED_DEVICE",
			rest: []string{"GET " + lux + "/device/check-device?unique_id=unique", "GET " + withnox + "/device/check-device?unique_id=unique"},
		},
		{
			name: "rename a device", arrange: family, as: "parent",
			graphql: `updateDeviceAlias(input: {deviceId: 1, childUserId: 1, deviceAlias: "mine"}) { device { id } }`,
			rest: []string{
				"PATCH " + lux + `/device/update-alias {"device_id": 1, "real_user_id": 1, "device_alias": "mine"}`, "PATCH " + addnox + `/device/update-alias {"device_id": 1, "real_user_id": 1, "device_alias": "mine"}`,
			},
		},
		{
			name: "rename a free device", arrange: free, as: "parent", code: "NOT_CONNECTED_DEVICE",
			graphql: `updateDeviceAlias(input: {deviceId: 1, childUserId: 1, deviceAlias: "mine"}) { device { id } }`,
			rest: []string{
				"PATCH " + lux + `/device/update-alias {"device_id": 1, "real_user_id": 1, "device_alias": "mine"}`, "PATCH " + addnox + `/device/update-alias {"device_id": 1, "real_user_id": 1, "device_alias": "mine"}`,
			},
		},
		{
			name: "upload", arrange: family, as: "parent", graphql: uploadDevlogs, rest: []string{
				"POST " + lux + "/device/devlog " + upload, "POST " + lux + "/device/devlog [" + record + "]",
				"POST " + addnox + "/device/devlog " + upload, "POST " + addnox + "/device/devlog [" + textRecord + "]",
			},
		},
		{
			name: "upload with an offset", arrange: family, as: "parent",
			graphql: `uploadDevlogs(input: {logs: [{childUserId: 1, deviceId: 1, uniqueId: "unique", treatmentDate: "2025-02-21 15:48:49.5+0900",
				lastIntensity: 2, treatmentTime: 255555}]}) { devlogs { id } }`,
			rest: []string{"POST " + lux + `/device/devlog {"log_arrays": [{"real_user_id": 1, "device_id": 1, "unique_id": "unique", "detail_data":
				{"treatment_date": "2025-02-21 15:48:49.5+0900", "finish_flag": null, "last_intensity": 2, "treatment_time": 255555}}]}`},
		},
		{
			name: "upload for a device that isn't the child's", arrange: free, as: "parent", graphql: uploadDevlogs,
			code: "NOT_CONNECTED_DEVICE", rest: []string{"POST " + lux + "/device/devlog " + upload, "POST " + withnox + "/device/devlog [" + textRecord + "]"},
		},
		{
			name: "impedance alert", arrange: family, as: "parent", graphql: `sendImpedanceAlert { ok }`,
			rest: []string{"POST " + lux + "/device/alimtalk"},
		},
		{
			name: "impedance alert without a phone", arrange: local, as: "parent", graphql: `sendImpedanceAlert { ok }`,
			code: "PHONE_NUMBER_IS_NOT_FOUND", rest: []string{"POST " + lux + "/device/alimtalk"},
		},
	}
}
