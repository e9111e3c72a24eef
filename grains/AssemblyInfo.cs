using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Watari.Grains.Tests")]
