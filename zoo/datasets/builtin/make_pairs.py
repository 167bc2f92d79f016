"""Makes builtin/pairs/: 125 premises, each with three hypotheses, written for the zoo by hand.

    python zoo/datasets/builtin/make_pairs.py

A block is a premise and three hypotheses: + follows from it, ? may be so or not, - cannot be so at the same time.
"""

import gzip
import json
from pathlib import Path

FOLDER = Path(__file__).parent / "pairs"
LABELS = {"+": "entailment", "?": "neutral", "-": "contradiction"}

TRAIN = """
An old man is feeding pigeons in the park.
+ Someone is giving food to birds.
? The man comes to the park every morning.
- The park is empty.

Two girls are swimming in a cold lake.
+ There are children in the water.
? The girls are sisters.
- The girls are sitting in a classroom.

A woman with a red umbrella waits for the bus.
+ A woman is waiting.
? It has been raining all day.
- The woman is driving a bus.

Three dogs chase a ball across the grass.
+ Animals are running outside.
? The dogs belong to the same family.
- The dogs are asleep.

A cook is cutting onions in a small kitchen.
+ Someone is preparing food.
? The cook is crying because of the onions.
- Nobody is in the kitchen.

The boy read the letter twice and then burned it.
+ The letter was destroyed.
? The letter was from his father.
- The boy never opened the letter.

Our train left the station ten minutes late.
+ The train did not leave on time.
? There was snow on the rails.
- The train left early.

A painter stands on a tall ladder next to a house.
+ A person is above the ground.
? He is painting the house white.
- The painter is lying on the ground.

Children are building a castle out of wet sand.
+ Kids are playing with sand.
? The sea will soon wash the castle away.
- The children are building a house of wood.

My sister sold her car and bought a bicycle.
+ She has a bicycle now.
? She wanted to save money.
- My sister still owns the car.

The museum is closed on Mondays.
+ Visitors cannot go in on a Monday.
? The guards clean the rooms on Mondays.
- The museum is open every day.

A cat sleeps on top of the warm radiator.
+ An animal is resting.
? The cat is very old.
- The cat is hunting mice in the garden.

The farmer lost half of his apples in the storm.
+ Not all of the apples were saved.
? The storm also broke his roof.
- The farmer's apples were not damaged.

Nobody in the room could answer the question.
+ The question was not answered.
? The question was about history.
- A student answered the question at once.

Four musicians play on a street corner in the evening.
+ People are making music outdoors.
? The musicians are collecting money for a trip.
- The musicians are playing in a concert hall.

A nurse pushes a patient in a wheelchair along the corridor.
+ The patient is being moved.
? The patient broke a leg.
- The patient is walking alone.

The soup is too salty to eat.
+ There is a lot of salt in the soup.
? The cook put in the salt twice.
- The soup tastes perfect.

A man in a grey suit is talking on his phone.
+ Someone is on the phone.
? He is speaking to his wife.
- The man has lost his phone and is silent.

Two climbers have reached the top of the mountain.
+ The climbers are at the summit.
? They started before sunrise.
- The climbers turned back halfway.

The shop sells bread, milk and newspapers.
+ You can buy milk there.
? The shop also sells flowers.
- There is no bread in the shop.

A baby laughs while her grandmother sings.
+ The baby is happy.
? The song is in French.
- The baby is crying loudly.

The window was broken by a football.
+ A ball hit the window.
? The boys next door were playing with the ball.
- The window is still whole.

All the seats in the cinema are taken.
+ The cinema is full.
? The film is a comedy.
- There are many free seats in the cinema.

A woman is knitting a green sweater for her nephew.
+ A woman is making clothes.
? The sweater is a birthday present.
- The woman is buying a sweater in a shop.

The bridge has been closed since the flood.
+ No one may cross the bridge now.
? The bridge will be repaired next year.
- Cars drive over the bridge every day.

A waiter drops a tray full of glasses.
+ The glasses fall.
? The waiter will have to pay for them.
- The waiter carries the tray safely to the table.

Some students are studying in the library before an exam.
+ Students are in the library.
? The exam is in chemistry.
- The students are dancing at a party.

The old clock on the tower stopped at noon.
+ The clock is not running.
? Nobody knows how to repair the clock.
- The clock shows the right time all day.

A fisherman pulls a heavy net into his boat.
+ A man is on a boat.
? The net is full of herring.
- The fisherman is sitting at home.

He was born in Norway but grew up in Spain.
+ He has lived in Spain.
? He speaks three languages.
- He was born in Spain.

The teacher wrote a long sum on the blackboard.
+ There is something on the blackboard.
? The pupils found the sum difficult.
- The blackboard is empty.

A girl in a yellow coat jumps over a puddle.
+ A child is jumping.
? Her shoes are new.
- The girl steps into the puddle.

The company will build a factory outside the town.
+ A factory is going to be built.
? Most people in the town are against it.
- The factory will be in the middle of the town.

Two old friends are playing chess under a tree.
+ Two people are playing a game.
? One of them has almost won.
- The two men have never met before.

It has not rained here for three months.
+ The weather has been dry.
? The farmers are worried.
- It rained heavily last week.

A young man repairs a motorcycle in his garage.
+ Someone is fixing a vehicle.
? The motorcycle was his grandfather's.
- The young man is riding the motorcycle on a highway.

The guests left after midnight.
+ The guests stayed until late.
? The guests had a good time.
- All the guests went home before dinner.

A crowd cheers as the runner crosses the line.
+ People are watching a race.
? The runner has broken a record.
- The runner has given up before the end.

There are more sheep than people on the island.
+ There are sheep on the island.
? The island lives from wool.
- No animals live on the island.

A carpenter measures a board before he saws it.
+ The board is measured.
? The board is for a bookshelf.
- The carpenter saws the board without measuring it.

Anna is taller than her brother Paul.
+ Paul is shorter than Anna.
? Anna is older than Paul.
- Paul is taller than Anna.

The library lends books, but not films.
+ You can borrow a book from the library.
? Most of the books are novels.
- You can borrow films from the library.

A dog barks at the postman behind the fence.
+ A dog is making noise.
? The postman is afraid of dogs.
- The dog is quiet.

Every child in the class has a pet.
+ No child in the class is without an animal.
? Most of the children have a cat.
- Some of the children in the class have no pet.

The doctor told him to stop smoking.
+ He got advice from a doctor.
? He will follow the advice.
- The doctor said that smoking is good for him.

A couple is dancing slowly in an empty hall.
+ Two people are dancing.
? They are getting ready for their wedding.
- The hall is full of people.

The lights went out during the concert.
+ It became dark at the concert.
? The concert had to be stopped.
- The lights stayed on until the end of the concert.

A shepherd leads his goats down the hill.
+ Animals are going downhill.
? The shepherd is tired.
- The goats are climbing the hill.

She bought two tickets to the theatre for Friday.
+ She has tickets for a play.
? She will go there with her husband.
- She could not get any tickets.

A boy is hiding under the kitchen table.
+ A child is below the table.
? The boy is playing with his friends.
- The boy is standing on the table.

The river is frozen from bank to bank.
+ There is ice on the river.
? Children skate on the river.
- The river is warm enough for swimming.

A tailor sews a button onto a black coat.
+ The coat gets a button.
? The coat belongs to a judge.
- The coat is white.

The last piece of cake was eaten by my cousin.
+ There is no cake left.
? It was a chocolate cake.
- Nobody has eaten any cake.

Workers are unloading boxes from a truck.
+ The truck is being emptied.
? The boxes are full of books.
- The workers are putting boxes into the truck.

A tourist takes a photograph of a cathedral.
+ Somebody is using a camera.
? The tourist is from Japan.
- The tourist has no camera with him.

The phone rang, but no one picked it up.
+ The call was not answered.
? It was a wrong number.
- My mother answered the phone.

A horse is drinking from a stone trough.
+ An animal is drinking.
? The horse has worked all day.
- The horse refuses to drink.

The hotel stands directly at the beach.
+ The hotel is close to the sea.
? The rooms are expensive.
- The hotel is far away from the water.

Two boys are fighting over a toy train.
+ The boys both want the train.
? Their mother will take the toy away.
- The boys are playing peacefully together.

The gardener planted roses along the wall.
+ There are flowers beside the wall.
? The roses are red.
- The gardener has only planted vegetables.

A plane is flying low above the houses.
+ Something is in the air.
? The plane will land in a few minutes.
- The plane is standing in a hangar.

He finished the marathon although his knee hurt.
+ He ran to the end.
? He needed more than four hours.
- He stopped running after the first mile.

The woman at the desk speaks only Italian.
+ The woman knows Italian.
? The woman was born in Rome.
- The woman speaks English and German.

Snow covers the roofs of the village.
+ It is white on the houses.
? It will snow again tonight.
- It is a hot day in July.

A thief took her purse while she was asleep.
+ Her purse was stolen.
? She was sleeping on a train.
- She gave her purse to a friend.

The bakery opens at six in the morning.
+ You can buy bread there at seven in the morning.
? The baker gets up at two.
- The bakery opens in the afternoon.

Five women are rowing a boat on the river.
+ People are on the water.
? The women are training for a race.
- The boat is empty.

A mechanic is lying under a blue car.
+ There is a person beneath the car.
? The car needs new brakes.
- The mechanic is washing the car's roof.

The film was so boring that half of the audience left.
+ Some people did not see the end of the film.
? The film was about a war.
- Everyone stayed until the end of the film.

Tom put on his coat and went out into the cold.
+ Tom is outside.
? Tom is going to work.
- Tom stayed in bed the whole day.

A police officer stops the traffic for some ducks.
+ The cars have to wait.
? The ducks are on their way to a pond.
- The officer lets the cars drive on.

The twins wear the same clothes every day.
+ The two of them are dressed alike.
? Their teacher cannot tell them apart.
- The twins never wear the same clothes.

A woman empties a bucket of water over the fire.
+ Someone is trying to put out a fire.
? The fire began in the stove.
- The woman is throwing more wood onto the fire.

There is only one doctor in the whole valley.
+ The valley has a doctor.
? The doctor is close to retiring.
- There are many doctors in the valley.

A child draws a house with a blue pencil.
+ A child is drawing.
? The picture is for her mother.
- The child is writing with a red pen.

The kitchen smells of fresh coffee.
+ There is a smell in the kitchen.
? Someone is having breakfast.
- Nothing can be smelled in the kitchen.

A lion is lying in the shade of a tree.
+ A big cat is not in the sun.
? The lion has just eaten.
- The lion is running after a zebra.

The mayor opened the new swimming pool yesterday.
+ The town has a new pool.
? Many children came to the opening.
- The swimming pool will be opened next month.

The singer forgot the words of her own song.
+ The singer did not remember her text.
? The audience helped her.
- The singer sang the whole song by heart.

A family is having a picnic on a blanket.
+ People are eating outside.
? They have brought sandwiches.
- The family is eating in a restaurant.
"""

DEV = """
A boy is flying a kite on the beach.
+ A child is outdoors.
? The kite was a present from his uncle.
- The boy is watching television at home.

The old woman lives alone with her dog.
+ The woman has an animal.
? Her husband died last year.
- The woman lives with her three sons.

A man is carrying a ladder across the street.
+ Someone is carrying something.
? He wants to clean the windows.
- The man's hands are empty.

The bus driver was late because of an accident.
+ There was an accident.
? Two people were hurt.
- The driver arrived early.

Two women are drinking tea in a garden.
+ People are having a drink.
? They are talking about their children.
- The women are running through a forest.

The market takes place every Saturday.
+ There is a market each week.
? Most of the farmers sell cheese there.
- There is no market on Saturdays.

A girl has lost her key and sits in front of the door.
+ The girl does not have her key.
? Her parents will come home soon.
- The girl is inside her room.

Several cows are standing in the river.
+ There are animals in the water.
? It is a very hot day.
- The cows are all in the barn.

The student passed all of her exams.
+ She did not fail an exam.
? She wants to become a lawyer.
- The student failed in mathematics.

A man with a beard plays the violin in the subway.
+ A man is making music.
? The man was once in an orchestra.
- The man is playing the drums in a park.

The ship sank before help arrived.
+ The help came too late for the ship.
? The captain was drunk.
- The ship was saved at the last minute.

Peter has two brothers and no sisters.
+ Peter is not an only child.
? Peter is the youngest.
- Peter has a sister.

A chef tastes the sauce with a wooden spoon.
+ Someone tries the sauce.
? The sauce needs more pepper.
- The chef is washing the dishes.

The tree in front of our house was cut down.
+ The tree is no longer standing.
? The tree was ill.
- The tree is growing in front of our house.

A group of men is waiting outside the factory gate.
+ There are people outside the factory.
? The men are on strike.
- Nobody is at the gate.
"""

TEST = """
A little girl is brushing her horse.
+ A child takes care of an animal.
? The girl will ride in a competition.
- The girl is brushing her own hair.

Two men are playing tennis in the rain.
+ The men are getting wet.
? One of them is a teacher.
- The men are sitting in a dry room.

The baker has sold all of his bread.
+ There is no bread left in the bakery.
? He will bake more in the afternoon.
- The baker still has a lot of bread.

A woman is reading a newspaper on a bench.
+ A woman is sitting outside and reading.
? She is looking for a job.
- The woman is writing a letter at her desk.

The children are not allowed to swim in the river.
+ Swimming there is forbidden for children.
? The water is dangerous.
- The children may swim in the river whenever they want.

A brown dog is digging a hole in the garden.
+ An animal is digging.
? The dog has hidden a bone.
- A cat is sleeping on the sofa.

The last train to the city has already gone.
+ There are no more trains to the city today.
? We will have to take a taxi.
- The train to the city has not left yet.

An artist is painting a portrait of a queen.
+ Someone is making a picture.
? The queen does not like the portrait.
- The artist is painting a bowl of fruit.

Four people are sitting around a fire and singing.
+ People are making music near a fire.
? They are on holiday.
- The people around the fire are silent.

My neighbour never locks his door.
+ The door is not locked.
? My neighbour trusts everyone in the street.
- My neighbour always locks his door at night.

A boy in a striped shirt is eating ice cream.
+ A child is eating something sweet.
? It is strawberry ice cream.
- The boy is not eating anything.

The museum bought a painting for two million.
+ The museum paid for a painting.
? The painting was made in Holland.
- The museum sold the painting.

Some birds are sitting on the telephone wire.
+ There are birds above the street.
? The birds will soon fly south.
- The birds are swimming on a lake.

The pilot landed the plane in a field.
+ The plane came down outside an airport.
? An engine had failed.
- The plane crashed into the sea.

A man is sleeping on the sofa with his shoes on.
+ A man is resting at home.
? He worked the whole night.
- The man is barefoot.

The village has a school but no church.
+ Children can learn in the village.
? The school has two teachers.
- There is a church in the village.

Two cats are watching a goldfish in a bowl.
+ The fish is seen by animals.
? The cats are hungry.
- The goldfish is alone in the room.

A woman in a white coat looks through a microscope.
+ Someone is looking at something small.
? She has found a new cure.
- The woman is looking out of the window.

The road over the pass is open only in summer.
+ You cannot use the road in January.
? The road is very narrow.
- The road is open the whole year.

A taxi is waiting in front of the hotel.
+ There is a car outside the hotel.
? The guest wants to go to the airport.
- No cars are near the hotel.

He speaks quietly because the baby is asleep.
+ He does not want to wake the baby.
? The baby is his daughter.
- He is shouting at the baby.

A young woman is climbing a steep rock.
+ A person is going up.
? She has climbed this rock before.
- The woman is walking on flat ground.

The two teams scored the same number of goals.
+ Neither of the teams won.
? Each of the teams scored twice.
- One team scored more goals than the other.

A farmer drives his tractor through deep mud.
+ A vehicle is moving in the dirt.
? The tractor will get stuck.
- The farmer is walking on a dry road.

The girl hides the present behind her back.
+ The girl is holding a present.
? The present is for her brother.
- The girl shows the present to everyone.

Nobody was hurt when the roof fell in.
+ The roof came down.
? The house was two hundred years old.
- Several people were injured by the roof.

A barber is cutting the hair of an old man.
+ The man's hair is getting shorter.
? The old man comes here every month.
- The old man is cutting the barber's hair.

There are three apples and one pear on the plate.
+ There is more than one piece of fruit on the plate.
? The apples are green.
- The plate is empty.

The orchestra is tuning before the concert.
+ The concert has not begun yet.
? They will play a symphony.
- The concert is over and the orchestra has gone home.

A woman is pushing a broken car up the hill.
+ The car is being pushed.
? The car has no fuel.
- The woman is driving the car down the hill.
"""


def main() -> None:
    """Write the three files in SNLI's form, the labels taking turns."""
    FOLDER.mkdir(exist_ok=True)
    for part, text in (("train", TRAIN), ("dev", DEV), ("test", TEST)):
        rows = []
        for block in text.strip().split("\n\n"):
            premise, *hypotheses = block.split("\n")
            rows += [{"gold_label": LABELS[line[0]], "sentence1": premise, "sentence2": line[2:]} for line in hypotheses]
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        (FOLDER / f"pairs_{part}.jsonl.gz").write_bytes(gzip.compress(content, 9, mtime=0))
        print(f"{part}: {len(rows)} pairs")


if __name__ == "__main__":
    main()
