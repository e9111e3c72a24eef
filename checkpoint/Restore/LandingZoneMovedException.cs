namespace Watari.Checkpoint.Restore;

/// <summary>The pages of a landing zone are no longer where its list says. Only pages of the zone were written; ask the agent for the list again.</summary>
public sealed class LandingZoneMovedException(string message) : Exception(message);
