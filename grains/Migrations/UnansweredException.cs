using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Migrations;

/// <summary>A command has no outcome: it takes too long, or its host is silent. Asked for again, it must be under the same key.</summary>
internal sealed class UnansweredException(FailureKind kind, string message) : Exception(message)
{
    public FailureKind Kind => kind;
}
