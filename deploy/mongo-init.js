// Run by mongosh on the first member: makes the replica set unless there is one, and waits for its primary.
const members = ["mongo1:27017", "mongo2:27017", "mongo3:27017"];
try {
  rs.status();
} catch (e) {
  if (e.codeName !== "NotYetInitialized") throw e;
  rs.initiate({ _id: "aihub", members: members.map((host, _id) => ({ _id, host })) });
}
for (let tries = 0; tries < 120; tries++) {
  if (rs.status().members.some((m) => m.stateStr === "PRIMARY")) quit(0);
  sleep(500);
}
print("the replica set has no primary after a minute");
quit(1);
