package lock

// ToInteger lets a test see what becomes of OIDs that no test database will ever reach.
const ToInteger = toInteger
