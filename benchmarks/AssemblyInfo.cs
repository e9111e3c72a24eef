using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Watari.Benchmarks.Tests")]
