package main

// rows are the lines of the table, those with a goal first.
var rows = []row{
	growthRow("upload", "upload", "growth", 1.2),
	growthRow("upload", "upload", "growth-postgres", 1.2),
	growthRow("home screen", "home", "growth", 1.1),
	growthRow("first page of the history", "history", "growth", 1.1),
	growthRow("deep page of the history", "history-deep", "growth", 1.1),
	growthRow("page of changes", "changes", "growth", 1.1),
	growthRow("feed that resumes", "resume", "growth", 1.1),
	growthRow("sign-in", "sign-in", "growth", 1.1),
	growthRow("home screen", "home", "growth-postgres", 1.1),
	growthRow("first page of the history", "history", "growth-postgres", 1.1),
	growthRow("deep page of the history", "history-deep", "growth-postgres", 1.1),
	growthRow("page of changes", "changes", "growth-postgres", 1.1),
	growthRow("feed that resumes", "resume", "growth-postgres", 1.1),
	growthRow("sign-in", "sign-in", "growth-postgres", 1.1),
	{
		what: "durable uploads of 64 phones, `synchronous=FULL`", beside: "record creation of PocketBase, which does not sync on commit", goal: 3.5, atLeast: true,
		reached: figure{"pocketbase", "PocketBase/upload", "ratio", "%.2f"},
		raw: []figure{
			{"pocketbase", "PocketBase/upload", "req/s", "%.0f/s"},
			{"pocketbase", "PocketBase/upload", "peer-req/s", "PocketBase %.0f/s"},
			{"pocketbase", "PocketBase/upload", "cpu-us/req", "%.0f µs of processor"},
			{"pocketbase", "PocketBase/upload", "peer-cpu-us/req", "PocketBase %.0f µs"},
		},
	},
	uploadRow("durable uploads of 64 phones, `synchronous=FULL`", "1", 0.6),
	uploadRow("the same in batches of 10 records", "10", 0),
	uploadRow("the same in batches of 100 records", "100", 0),
	{
		what: "home screen in GraphQL, 32 connections", beside: "a bare handler: token check, two prepared reads, encoding/json", goal: 0.75, atLeast: true,
		reached: figure{"home", "HomeScreen", "ratio", "%.2f"},
		raw: []figure{
			{"home", "HomeScreen", "req/s", "%.0f/s"},
			{"home", "HomeScreen", "bare-req/s", "bare %.0f/s"},
			{"home", "HomeScreen", "cpu-us/req", "%.0f µs of processor"},
			{"home", "HomeScreen", "bare-cpu-us/req", "bare %.0f µs, both with the client"},
		},
	},
	{
		what: "its p99", beside: "the bare handler's", goal: 2,
		reached: figure{"home", "HomeScreen", "p99-ratio", "%.2f"},
		raw:     []figure{{"home", "HomeScreen", "ms-p99", "%.2f ms"}, {"home", "HomeScreen", "bare-ms-p99", "bare %.2f ms"}},
	},
	{
		what: "home screen in GraphQL, 32 connections", beside: "the records API of PocketBase with `expand`", goal: 6, atLeast: true,
		reached: figure{"pocketbase", "PocketBase/home", "ratio", "%.2f"},
		raw: []figure{
			{"pocketbase", "PocketBase/home", "req/s", "%.0f/s"},
			{"pocketbase", "PocketBase/home", "peer-req/s", "PocketBase %.0f/s"},
			{"pocketbase", "PocketBase/home", "cpu-us/req", "%.0f µs of processor"},
			{"pocketbase", "PocketBase/home", "peer-cpu-us/req", "PocketBase %.0f µs"},
		},
	},
	{
		what: "SQL reads of a socket that reconnects with a known cursor", beside: "none (no write either)", goal: 2,
		reached: figure{"reconnect", "Reconnect", "reads", "%.0f"},
		raw:     []figure{{"reconnect", "Reconnect", "writes", "%.0f writes"}},
	},
	{
		what: "start to ready on an existing database, production, s", beside: "none", goal: 0.20,
		reached: figure{"process", "Process/production", "s-ready", "%.3f"},
	},
	{
		what: "the same in development, s", beside: "none", goal: 0.35,
		reached: figure{"process", "Process/development", "s-ready", "%.3f"},
	},
	{
		what: "resident memory, idle, production, MB", beside: "none", goal: 45,
		reached: figure{"process", "Process/production", "MB-idle", "%.1f"},
		raw:     []figure{{"process", "Process/development", "MB-idle", "development %.1f MB"}},
	},
	{
		what: "resident memory an idle subscription, 10,000, KB", beside: "a subscription of centrifuge (WebSocket, JSON)", goal: 10.5,
		reached: figure{"feed", "Feed/sockets=10000", "KB/socket", "%.1f"},
		raw: []figure{
			{"feed", "Feed/sockets=10000", "KB-before-GC/socket", "%.1f KB before a collection"},
			{"feed", "Feed/sockets=2000", "KB/socket", "%.1f KB at 2,000"},
			{"centrifuge", "Centrifuge/memory", "KB/socket", "centrifuge %.1f KB"},
			{"centrifuge", "Centrifuge/memory", "KB-before-GC/socket", "centrifuge %.1f KB before a collection"},
		},
	},
	{
		what: "from the answer of an upload to its event on the last of the account's 32 sockets, p99, ms", beside: "centrifuge, from a publication to its 32 sockets", goal: 8,
		reached: figure{"feed", "Feed/account=32", "ms-push-p99", "%.1f"},
		raw: []figure{
			{"feed", "Feed/account=32", "ms-push-median", "median %.1f ms"},
			{"centrifuge", "Centrifuge/account=32", "ms-push-p99", "centrifuge %.1f ms"},
			{"centrifuge", "Centrifuge/account=32", "ms-push-median", "centrifuge median %.1f ms"},
		},
	},
	{
		what: "first build with an empty build cache, processor seconds", beside: "none", goal: 150,
		reached: figure{"build", "ColdBuild", "cpu-s", "%.0f"},
		raw:     []figure{{"build", "ColdBuild", "wall-s", "%.0f s of waiting"}, {"process", "Process/binary", "MB", "the program has %.1f MB"}},
	},
	{
		what: "storm: 5,000 sockets that reconnect in 5 s and resume, until the event that each has missed and a query behind it are answered, p99, ms", beside: "none", goal: 1000,
		reached: figure{"storm", "Storm", "ms-live-p99", "%.0f"},
		raw: []figure{
			{"storm", "Storm", "ms-live-median", "median %.0f ms"},
			{"storm", "Storm", "ms-live-max", "the last %.0f ms"},
			{"storm", "Storm", "errors", "%.0f errors"},
		},
	},
	{
		what: "mixed load of ten minutes (80 % home, 15 % upload, 5 % other, 1,000 subscriptions): resident memory at its end", beside: "at minute 2", goal: 1.1,
		reached: figure{"mixed", "Mixed", "memory-ratio", "%.2f"},
		raw: []figure{
			{"mixed", "Mixed", "MB-early", "%.0f MB at minute 2"},
			{"mixed", "Mixed", "MB-late", "%.0f MB at minute 10"},
			{"mixed", "Mixed", "errors", "%.0f errors"},
			{"mixed", "Mixed", "req/s", "%.0f/s"},
			{"mixed", "Mixed", "ms-p99", "p99 %.1f ms"},
			{"mixed", "Mixed", "events", "%.0f events"},
		},
	},
	{
		what: "home screen in GraphQL on PostgreSQL, 32 connections", beside: "Mercurius with pg, a loader and as many processes as cores",
		reached: figure{"mercurius", "Mercurius", "ratio", "%.2f"},
		raw: []figure{
			{"mercurius", "Mercurius", "req/s", "%.0f/s"},
			{"mercurius", "Mercurius", "peer-req/s", "Mercurius %.0f/s"},
			{"mercurius", "Mercurius", "cpu-us/req", "%.0f µs of processor"},
			{"mercurius", "Mercurius", "peer-cpu-us/req", "Mercurius %.0f µs, both without PostgreSQL"},
		},
	},
	{
		what: "uploads on PostgreSQL, two replicas", beside: "one replica, the same machine",
		reached: figure{"replicas", "Replicas/upload", "ratio", "%.2f"},
		raw:     []figure{{"replicas", "Replicas/upload", "one-req/s", "one %.0f/s"}, {"replicas", "Replicas/upload", "two-req/s", "two %.0f/s"}},
	},
	{
		what: "home screen on PostgreSQL, two replicas", beside: "one replica, the same machine",
		reached: figure{"replicas", "Replicas/home", "ratio", "%.2f"},
		raw:     []figure{{"replicas", "Replicas/home", "one-req/s", "one %.0f/s"}, {"replicas", "Replicas/home", "two-req/s", "two %.0f/s"}},
	},
}

// uploadRow compares uploads of so many records with the bare handler; they have a goal
// where it isn't 0.
func uploadRow(what, batch string, goal float64) row {
	bench := "Upload/" + batch
	return row{
		what: what, beside: "a bare handler that writes the same rows with the same group commit", goal: goal, atLeast: true,
		reached: figure{"upload", bench, "ratio", "%.2f"},
		raw: []figure{
			{"upload", bench, "req/s", "%.0f requests/s"},
			{"upload", bench, "bare-req/s", "bare %.0f/s"},
			{"upload", bench, "rest-ratio", "by REST %.2f"},
		},
	}
}

// growthRow compares the medians of one request among many stored logs and among few.
func growthRow(what, request, part string, goal float64) row {
	engine, few, many := "SQLite", "10 thousand", "10 million"
	if part == "growth-postgres" {
		engine, many = "PostgreSQL", "1 million"
	}
	figures := []figure{
		{part, "Growth", "cpu-ratio-" + request, "processor %.2f"},
		{part, "Growth", "steps-ratio-" + request, "steps of SQLite %.2f"},
		{part, "Growth", "us-" + request, "median %.0f µs"},
		{part, "Growth", "statements-" + request, "statements: %.0f"},
	}
	return row{
		what: what + " with " + many + " logs stored, " + engine, beside: "the same with " + few + ", of 1, 10 and 50 children the highest", goal: goal,
		reached: figure{part, "Growth", "ratio-" + request, "%.2f"}, raw: figures,
	}
}
