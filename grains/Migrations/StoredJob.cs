using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Migrations;

/// <summary>What is stored of a job.</summary>
public sealed class StoredJob
{
    public MigrationJob? Job { get; init; }
}
