using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Migrations;

/// <summary>A write failed and may have landed all the same: what is on disk must be read before anything is decided.</summary>
internal sealed class StateUnknownException(MigrationState state, Exception inner)
    : Exception($"Whether state {state} is on disk is not known.", inner);
