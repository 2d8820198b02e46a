import io

import networkx as nx


def smoke():
    graph = nx.DiGraph([("a", "b"), ("b", "c"), ("a", "c")])
    assert list(nx.topological_sort(graph)) == ["a", "b", "c"]
    ring = nx.cycle_graph(6)
    assert nx.shortest_path_length(ring, 0, 3) == 3
    assert nx.is_isomorphic(ring, nx.relabel_nodes(ring, str))
    out = io.BytesIO()
    nx.write_graphml(graph, out)
    assert nx.read_graphml(io.BytesIO(out.getvalue())).number_of_edges() == 3
    assert len(nx.algorithms.community.label_propagation_communities(nx.karate_club_graph())) > 1
    return [graph, ring, nx.shortest_path]
