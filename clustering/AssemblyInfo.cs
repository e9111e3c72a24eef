using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Watari.Clustering.Tests")]
