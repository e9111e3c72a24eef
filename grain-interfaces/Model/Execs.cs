namespace Watari.GrainInterfaces.Model;

/// <summary>A command that is to run in a container.</summary>
/// <param name="Arguments">The program and its arguments.</param>
/// <param name="Environment">Beside what the container's processes have: <c>NAME=value</c>.</param>
/// <param name="User">As the container's engine takes it; null for the container's.</param>
/// <param name="Directory">Where it begins, in the container; null for the container's.</param>
/// <param name="WithInput">Whether it is given a standard input; else that is empty.</param>
[GenerateSerializer, Immutable, Alias("watari.ContainerCommand")]
public sealed record ContainerCommand(
    [property: Id(0)] ImmutableArray<string> Arguments,
    [property: Id(1)] ImmutableArray<string> Environment,
    [property: Id(2)] string? User,
    [property: Id(3)] string? Directory,
    [property: Id(4)] bool WithInput)
{
    /// <summary>Characters of its arguments and its environment together: more goes by its standard input, or a file.</summary>
    public const int MaxText = 16 << 10;
}

/// <summary>Something that a command has written.</summary>
/// <param name="IsError">To its standard error.</param>
[GenerateSerializer, Immutable, Alias("watari.ExecOutput")]
public sealed record ExecOutput([property: Id(0)] bool IsError, [property: Id(1)] ImmutableArray<byte> Bytes);

/// <summary>What a command has written since the piece before.</summary>
/// <param name="Outputs">64 KiB of all together at most; nothing where it was silent for a while.</param>
/// <param name="ExitCode">Set: it has ended, and this is the last piece.</param>
[GenerateSerializer, Immutable, Alias("watari.ExecPiece")]
public sealed record ExecPiece([property: Id(0)] ImmutableArray<ExecOutput> Outputs, [property: Id(1)] int? ExitCode);

/// <summary>How far a command has taken its standard input.</summary>
/// <param name="Taken">Bytes, from the first on.</param>
/// <param name="IsClosed">It takes no more: it has ended, has closed it, or has been given all of it.</param>
[GenerateSerializer, Immutable, Alias("watari.ExecInput")]
public sealed record ExecInput([property: Id(0)] long Taken, [property: Id(1)] bool IsClosed);
