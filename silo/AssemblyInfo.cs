using System.Runtime.CompilerServices;

// The engine's halves of a migration are measured one by one.
[assembly: InternalsVisibleTo("Watari.Benchmarks")]
