"""What a component keeps in the store of its model beside the replies: what was answered, and in which episode."""
