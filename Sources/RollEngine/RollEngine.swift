// RollEngine
