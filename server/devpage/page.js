// Shows what /dev/messages answers, and asks again each second while the page is looked at.
"use strict";

const interval = 1000;
const shown = document.getElementById("messages");
const problem = document.getElementById("problem");
let last = "";

function cell(text, name) {
  const td = document.createElement("td");
  td.textContent = text;
  if (name) td.className = name;
  return td;
}

function row(message) {
  const tr = document.createElement("tr");
  const about = [message.purpose, message.title].filter(Boolean).join(": ");
  const status = [message.status, message.reason, message.attempts > 1 ? message.attempts + " tries" : ""].filter(Boolean).join(", ");
  tr.append(
    cell(new Date(message.created_at).toLocaleTimeString()), cell(message.channel), cell(message.to), cell(about),
    cell(status), cell(message.text, "text"),
  );
  return tr;
}

async function refresh() {
  try {
    const response = await fetch("/dev/messages");
    const answer = await response.text();
    problem.textContent = response.ok ? "" : "The server answers " + response.status + ".";
    if (response.ok && answer !== last) {
      last = answer;
      shown.replaceChildren(...JSON.parse(answer).map(row));
    }
  } catch {
    problem.textContent = "The server does not answer.";
  }
}

async function run() {
  if (!document.hidden) await refresh();
  setTimeout(run, interval);
}

run();
